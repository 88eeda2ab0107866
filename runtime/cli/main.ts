#!/usr/bin/env node
import { Command } from 'commander';
import { routerCommand } from '../router/command.ts';

// Command definitions are light; each action imports its daemon when it runs, so that `fleet --help` stays quick.
const program = new Command('fleet').description('Run and operate an SGLang inference fleet.');
program.addCommand(routerCommand());
await program.parseAsync();
