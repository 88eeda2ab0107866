import { readFileSync } from 'node:fs';
import path from 'node:path';
import { CfnDocument } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { ports } from '../names.ts';

export interface OperatorDocumentsProps {
  readonly fleet: string;
  /** Name of the secret by which routers and runners know each other. */
  readonly internalSecret: string;
  /** systemd unit of the runner. */
  readonly runnerUnit: string;
  /** Longest drain of any worker, in seconds. */
  readonly drainSeconds: number;
}

type Parameter =
  | { readonly description: string; readonly default: string; readonly allowedValues: readonly string[] }
  | { readonly description: string; readonly default: string; readonly allowedPattern: string };

interface DocumentPlan {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  /** Every one is limited: Systems Manager puts values into the script as they are. */
  readonly parameters: Readonly<Record<string, Parameter>>;
  /** A file in `scripts`. */
  readonly script: string;
  /** What the script is told after its parameters. */
  readonly words: readonly string[];
  readonly timeoutSeconds: number;
}

/** What operators do on a machine, as Systems Manager documents: who may run one is a matter of IAM, and each run is recorded. */
export class OperatorDocuments extends Construct {
  constructor(scope: Construct, id: string, props: OperatorDocumentsProps) {
    super(scope, id);
    for (const plan of plansOf(props)) {
      new CfnDocument(this, plan.id, {
        name: `${props.fleet}-${plan.name}`,
        documentType: 'Command',
        documentFormat: 'JSON',
        targetType: '/AWS::EC2::Instance',
        // A fixed name cannot be replaced by a new document of the same name.
        updateMethod: 'NewVersion',
        content: contentOf(plan),
      });
    }
  }
}

function plansOf({ internalSecret, runnerUnit, drainSeconds }: OperatorDocumentsProps): DocumentPlan[] {
  return [
    {
      id: 'DrainWorker',
      name: 'drain-worker',
      description: 'Lets a worker finish its requests and take no new ones.',
      parameters: {
        Afterwards: {
          description:
            'stay: the machine is there without an engine, for you to look at. replace: its group replaces it.',
          default: 'stay',
          allowedValues: ['stay', 'replace'],
        },
      },
      script: 'drain-worker.sh',
      words: [String(ports.runner), internalSecret],
      timeoutSeconds: 120,
    },
    {
      id: 'RestartEngine',
      name: 'restart-engine',
      description: 'Starts the engine of a worker anew, with its runner.',
      parameters: {
        Drain: {
          description: 'yes: requests in flight end first. no: the engine is killed at once, for one that hangs.',
          default: 'yes',
          allowedValues: ['yes', 'no'],
        },
      },
      script: 'restart-engine.sh',
      words: [runnerUnit],
      // systemd waits for the drain and for the engine to stop.
      timeoutSeconds: drainSeconds + 180,
    },
    {
      id: 'Diagnostics',
      name: 'diagnostics',
      description: 'Prints what one would look at first: units, GPUs, disks, and the ends of the logs.',
      parameters: {
        Minutes: {
          description: 'How far back logs are read.',
          default: '30',
          allowedPattern: '^[1-9][0-9]{0,3}$',
        },
        Lines: {
          description: 'Most lines of each part; the console shows 24,000 characters in all.',
          default: '30',
          allowedPattern: '^[1-9][0-9]{0,2}$',
        },
      },
      script: 'diagnostics.sh',
      words: [],
      timeoutSeconds: 300,
    },
  ];
}

function contentOf({ description, parameters, script, words, timeoutSeconds }: DocumentPlan): object {
  const source = readFileSync(path.join(import.meta.dirname, 'scripts', script), 'utf8');
  const values = [...Object.keys(parameters).map((name) => `{{ ${name} }}`), ...words];
  return {
    schemaVersion: '2.2',
    description,
    parameters: Object.fromEntries(
      Object.entries(parameters).map(([name, parameter]) => [name, { type: 'String', ...parameter }]),
    ),
    mainSteps: [
      {
        action: 'aws:runShellScript',
        name: 'run',
        precondition: { StringEquals: ['platformType', 'Linux'] },
        inputs: {
          timeoutSeconds: String(timeoutSeconds),
          // The first line makes it bash.
          runCommand: [...withWords(source, values)],
        },
      },
    ],
  };
}

/** The lines of a script that finds `values` in its arguments. */
function withWords(source: string, values: readonly string[]): string[] {
  const [shebang, ...rest] = source.trimEnd().split('\n') as [string, ...string[]];
  return [shebang, `set -- ${values.map((value) => `'${value}'`).join(' ')}`, ...rest];
}
