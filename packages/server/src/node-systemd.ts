import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Logger } from './logging/logger.ts';
import { SystemdNotifier } from './systemd.ts';

const runFile = promisify(execFile);

/** Tells the systemd that has started this process, if one has. */
export function systemdNotifier(logger: Logger): SystemdNotifier {
  const run = async (program: string, args: readonly string[]) => {
    await runFile(program, [...args]);
  };
  return new SystemdNotifier(process.env.NOTIFY_SOCKET, run, logger);
}
