#!/usr/bin/env node
/** The command `hypercore-wire`. */
import { runCommand } from './command.ts';

process.exitCode = await runCommand(process.argv.slice(2));
