import { z } from 'zod';

/** How a fleet file and `fleet runner --agents FILE` declare agents: one parser for both. */

const seconds = (max: number) => z.int('expected whole seconds').min(1).max(max);

/** The runner sets these itself. */
const takenVariables = /^(OPENAI_BASE_URL|OPENAI_API_KEY|FLEET_.*)$/;

const agent = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,49}$/, 'use a lower-case letter, then up to 49 of a-z, 0-9 and -')
      .describe('What a session names to run it.'),
    script: z
      .string()
      .min(1)
      .optional()
      .describe("A JavaScript file that the runner's own Node runs, confined to reading its folder."),
    command: z.array(z.string()).min(1).optional().describe('Any program with its arguments.'),
    env: z
      .record(
        z
          .string()
          .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'write a variable name of letters, digits and _')
          .refine((name) => !takenVariables.test(name), 'the runner sets this variable itself'),
        z.string(),
      )
      .default({})
      .describe("Environment variables. Not for secrets: they stand in the machine's boot script."),
    cwd: z
      .string()
      .min(1)
      .optional()
      .describe('Working folder. @default - the folder of the script, else of the file that declares the agent'),
    memoryMb: z
      .int()
      .min(0)
      .max(1_048_576)
      .optional()
      .describe("MiB of its own that one sandbox may use; 0 sets no limit. @default - the runner's limit"),
    startTimeoutSeconds: seconds(3_600).optional().describe('Longest start of a sandbox.'),
    turnTimeoutSeconds: seconds(86_400).optional().describe('Longest turn.'),
    maxTurnBytes: z
      .int()
      .min(1_024)
      .max(1_073_741_824)
      .optional()
      .describe('Most bytes that it may write in one turn.'),
    maxLineBytes: z.int().min(1_024).max(268_435_456).optional().describe('Most bytes of one line.'),
    warm: z.int().min(0).max(100).default(0).describe('Sandboxes kept started and waiting for a session.'),
  })
  .refine((value) => (value.script === undefined) !== (value.command === undefined), 'give either script or command');

export const agentsSchema = z
  .array(agent)
  .max(50)
  .superRefine((agents, context) => {
    const names = new Set(['chat']);
    for (const [index, { name }] of agents.entries()) {
      if (names.has(name)) {
        const message = name === 'chat' ? 'chat is the built-in agent' : 'another agent has this name';
        context.addIssue({ code: 'custom', path: [index, 'name'], message });
      }
      names.add(name);
    }
  });

/** A file of its own has the agents under this name, as the fleet file has. */
export const agentsFileSchema = z.strictObject({ agents: agentsSchema });

export type AgentConfig = z.infer<typeof agent>;
