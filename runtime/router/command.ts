import { Command } from 'commander';

export function routerCommand(): Command {
  return new Command('router').description('the daemon that clients talk to');
}
