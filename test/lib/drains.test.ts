import type { Template } from 'aws-cdk-lib/assertions';
import { fleetNames } from '../support/assembly/every-fleet.ts';
import { hooksOf } from '../support/assembly/shipped-hooks.ts';
import { bootTextOf, fleetConfig, fleetTemplates } from '../support/fleet-templates.ts';

interface Budgets {
  readonly drainSeconds: number;
  /** From SIGTERM to SIGKILL. */
  readonly stopSeconds: number;
  readonly hookSeconds: number;
  /** The longest turn of a session; routers only. */
  readonly turnSeconds: number | undefined;
}

/** What the unit of a daemon and its group's hook allow a machine that leaves. */
function budgetsOf(template: Template, daemon: string): Budgets {
  const unit = new RegExp(`^cat >/etc/systemd/system/${daemon}\\.service.*?^EOF$`, 'ms').exec(bootTextOf(template))![0];
  const secondsIn = (pattern: RegExp) => (pattern.test(unit) ? Number(pattern.exec(unit)![1]) : undefined);
  const hooks = hooksOf({ name: '', resources: template.toJSON()['Resources'], assets: new Map() });
  const leaving = hooks.find(({ transition }) => transition === 'terminating');
  return {
    drainSeconds: secondsIn(/ --drain-seconds (\d+)/)!,
    stopSeconds: secondsIn(/^TimeoutStopSec=(\d+)$/m)!,
    hookSeconds: leaving!.heartbeatTimeoutSeconds!,
    turnSeconds: secondsIn(/ --turn-timeout-seconds (\d+)/),
  };
}

test.each(fleetNames)(
  'of fleets/%s.yaml hooks exceed stops, stops exceed drains, drains exceed the longest generation',
  (name) => {
    const config = fleetConfig(name);
    const templates = fleetTemplates(config);
    const routers = budgetsOf(templates['router']!, 'fleet-router');
    const workers = config.workers.map((group) => budgetsOf(templates[`workers-${group.name}`]!, 'fleet-runner'));
    expect(workers.length).toBeGreaterThan(0);
    expect(routers.turnSeconds).toBe(config.routers.generationSeconds);
    for (const { drainSeconds, stopSeconds, hookSeconds } of [routers, ...workers]) {
      expect(drainSeconds).toBeGreaterThan(routers.turnSeconds!);
      expect(stopSeconds).toBeGreaterThan(drainSeconds);
      expect(hookSeconds).toBeGreaterThan(stopSeconds);
    }
  },
);
