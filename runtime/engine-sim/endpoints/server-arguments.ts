import values from './server-arguments.json' with { type: 'json' };

/** Every argument of an SGLang 0.5.23 server with the value that it has unless told otherwise. */
export const defaultServerArguments: Readonly<Record<string, unknown>> = values;
