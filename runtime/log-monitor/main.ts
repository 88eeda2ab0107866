import { monitorCommand } from './command.ts';

// The log monitor as a program of its own: what a worker's systemd unit runs.
await monitorCommand().parseAsync();
