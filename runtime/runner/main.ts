#!/usr/bin/env node
import { runnerCommand } from './command.ts';

// The runner as a program of its own: what is bundled and installed on a worker.
await runnerCommand().parseAsync();
