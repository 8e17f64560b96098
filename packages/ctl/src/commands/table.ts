import type { CommandEntry } from '../program/command.ts';
import { authCommands } from './auth/table.ts';
import { checkCommands } from './check/table.ts';
import { clusterCommands } from './cluster/table.ts';
import { concurrencyCommands } from './concurrency/table.ts';
import { kvCommands } from './kv/table.ts';
import { leaseCommands } from './lease/table.ts';
import { mirrorCommands } from './mirror/table.ts';
import { peopleCommands } from './people/table.ts';
import { utilityCommands } from './utility/table.ts';
import { watchCommands } from './watch/table.ts';

/**
 * The commands of kvctl. Each folder has a table of its own; a row costs nothing, and the command's file is loaded when it
 * is called.
 */
export const commandTable: readonly CommandEntry[] = [
  ...kvCommands,
  ...leaseCommands,
  ...watchCommands,
  ...checkCommands,
  ...clusterCommands,
  ...authCommands,
  ...concurrencyCommands,
  ...mirrorCommands,
  ...utilityCommands,
  ...peopleCommands,
];
