import type { ProcessCommand } from '../../shared/process/owned-process.ts';
import type { ManagedOptions } from './options.ts';

/** What one launch is told beside the user's own flags. */
export interface LaunchParameters {
  /** Free ports of the loopback interface. */
  readonly port: number;
  readonly metricsPort: number;
  /** Guards its worker API: anybody on this machine can reach a loopback port. */
  readonly controlKey: string;
  readonly maxBodyBytes: number;
  /** Authorities of https engines' certificates, PEM file. */
  readonly engineCa: string | undefined;
}

export const loopback = '127.0.0.1';

/** Engines come here proven, so one that cannot be reached is a failure soon; the next attempt is ours. */
const registrationSeconds = 60;

const ownListener = 'clients reach this router at --host and --port; sglang-router has a loopback port of its own';
const ownWorkers = 'its workers are those of this router: --worker-url, runners, --asg';
const ownKeys = 'this router checks clients with --api-keys and gives engines --engine-api-key';
const noSplit = 'workers that only prefill or decode are not known here';

/** Flags of sglang-router whose part this router plays, with the reason. */
const takenFlags: Readonly<Record<string, string>> = {
  '--host': ownListener,
  '--port': ownListener,
  '--tls-cert-path': "the listener's certificate is --tls-cert",
  '--tls-key-path': "the listener's key is --tls-key",
  '--worker-urls': ownWorkers,
  '--service-discovery': ownWorkers,
  '--service-discovery-port': ownWorkers,
  '--service-discovery-namespace': ownWorkers,
  '--selector': ownWorkers,
  '--prefill-selector': ownWorkers,
  '--decode-selector': ownWorkers,
  '--backend': 'engines are SGLang',
  '--pd-disaggregation': noSplit,
  '--mini-lb': noSplit,
  '--prefill': noSplit,
  '--decode': noSplit,
  '--prefill-policy': noSplit,
  '--decode-policy': noSplit,
  '--api-key': ownKeys,
  '--control-plane-api-keys': ownKeys,
  '--jwt-issuer': ownKeys,
  '--jwt-audience': ownKeys,
  '--jwt-jwks-uri': ownKeys,
  '--jwt-role-mapping': ownKeys,
  '--ca-cert-paths': "authorities of engines' certificates are --engine-ca",
  '--max-payload-size': 'the largest body is --max-body-bytes',
  '--worker-startup-timeout-secs': 'engines are added once they have generated, and again when that fails',
};

/** Flags among the user's own that contradict what this router sets, a sentence for each. */
export function flagMistakes(args: readonly string[]): string[] {
  return args.flatMap((argument) => {
    if (!argument.startsWith('--')) return [];
    const given = argument.split('=')[0]!;
    // Its launcher takes a flag's beginning for the flag.
    const flag = takenFlags[given] ? given : Object.keys(takenFlags).find((taken) => taken.startsWith(given));
    return flag === undefined ? [] : [`sglang-router cannot be given ${given}: ${takenFlags[flag]}.`];
  });
}

/**
 * The command line of the managed router (sglang-router 0.3.1 or later). It holds a key, so it is nothing for logs; the router
 * itself overwrites its command line when it has read it.
 */
export function launchCommand(options: ManagedOptions, parameters: LaunchParameters): ProcessCommand {
  const { python, program, extraArguments } = options;
  const { port, metricsPort, controlKey, maxBodyBytes, engineCa } = parameters;
  const defaults = {
    '--prometheus-host': loopback,
    '--prometheus-port': String(metricsPort),
    // One that is told nothing logs two lines for each request.
    '--log-level': 'warn',
  };
  const args = [
    ...['--host', loopback, '--port', String(port)],
    ...['--control-plane-api-keys', `fleet:fleet:admin:${controlKey}`],
    ...['--max-payload-size', String(maxBodyBytes)],
    ...['--worker-startup-timeout-secs', String(registrationSeconds)],
    ...(engineCa === undefined ? [] : ['--ca-cert-paths', engineCa]),
    ...Object.entries(defaults).flatMap(([flag, value]) => (isGiven(flag, extraArguments) ? [] : [flag, value])),
    ...extraArguments,
  ];
  return program === undefined
    ? { file: python, args: ['-m', 'sglang_router.launch_router', ...args], endsWithParent: false }
    : { file: program, args: ['launch', ...args], endsWithParent: false };
}

/** The environment of the managed router: what the fleet keeps in its own is not its business. */
export function launchEnvironment(own: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const others = Object.entries(own).filter(([name]) => !name.startsWith('FLEET_'));
  return { PYTHONUNBUFFERED: '1', ...Object.fromEntries(others) };
}

function isGiven(flag: string, args: readonly string[]): boolean {
  return args.some((argument) => argument === flag || argument.startsWith(`${flag}=`));
}
