#!/usr/bin/env node
import { Command } from 'commander';
import { simCommand } from '../engine-sim/command.ts';
import { monitorCommand } from '../log-monitor/command.ts';
import { logsCommand } from '../log-monitor/logs-command.ts';
import { routerCommand } from '../router/command.ts';
import { runnerCommand } from '../runner/command.ts';
import { capacityCommand } from './capacity/command.ts';
import { chatCommand } from './chat-command.ts';
import { configCommand } from './config-command.ts';
import { drainCommand } from './drain-command.ts';
import { replayCommand } from './replay/command.ts';
import { statusCommand } from './status-command.ts';
import { upCommand } from './up-command.ts';

// Command definitions are light; each action imports its daemon when it runs, so that `fleet --help` stays quick.
const program = new Command('fleet').description('Run and operate an SGLang inference fleet.');
program.addCommand(upCommand());
program.addCommand(routerCommand());
program.addCommand(runnerCommand());
program.addCommand(statusCommand());
program.addCommand(drainCommand());
program.addCommand(chatCommand());
program.addCommand(replayCommand());
program.addCommand(capacityCommand());
program.addCommand(monitorCommand());
program.addCommand(logsCommand());
program.addCommand(simCommand());
program.addCommand(configCommand());
await program.parseAsync();
