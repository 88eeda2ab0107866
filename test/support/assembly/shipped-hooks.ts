import type { HookOptions, HookResult } from '../cloud/story.ts';
import type { AssemblyStack } from './read-assembly.ts';

interface HookProperties {
  readonly LifecycleHookName: string;
  readonly LifecycleTransition: string;
  readonly HeartbeatTimeout: number;
  readonly DefaultResult: HookResult;
}

/** The lifecycle hooks of a stack's groups, whichever way they are made. */
export function hooksOf({ resources }: AssemblyStack): HookOptions[] {
  const found = Object.values(resources).flatMap(({ Type, Properties = {} }) => {
    if (Type === 'AWS::AutoScaling::LifecycleHook') return [Properties as unknown as HookProperties];
    return (Properties['LifecycleHookSpecificationList'] as HookProperties[] | undefined) ?? [];
  });
  return found.map((hook) => ({
    name: hook.LifecycleHookName,
    transition: hook.LifecycleTransition.endsWith('LAUNCHING') ? 'launching' : 'terminating',
    heartbeatTimeoutSeconds: hook.HeartbeatTimeout,
    defaultResult: hook.DefaultResult,
  }));
}
