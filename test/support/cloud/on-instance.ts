import type { CloudInstance } from './story.ts';

/** This process has the environment of a daemon on that instance, until it is disposed of. */
export function onInstance({ environment }: Pick<CloudInstance, 'environment'>): Disposable {
  const before = Object.keys(environment).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, environment);
  return {
    [Symbol.dispose]() {
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    },
  };
}
