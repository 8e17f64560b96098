import { badArguments } from '../../exit-error.ts';
import type { Input } from '../../host.ts';
import { InputLines } from '../../input-lines.ts';

/** A password for a user: typed twice at the terminal, or the first word of standard input. Rejects with `ExitError`. */
export async function newPassword(
  stdin: Input,
  user: string,
  isInteractive: boolean,
): Promise<string> {
  if (!isInteractive) {
    const line = (await new InputLines(stdin, { takesLastLine: true }).next()) ?? '';
    return line.trim().split(/\s+/)[0] ?? '';
  }
  if (!stdin.isTerminal) {
    throw badArguments('failed to ask password: inappropriate ioctl for device');
  }
  const first = await stdin.readSecret(`Password of ${user}: `);
  if (first === '') throw badArguments('empty password');
  const second = await stdin.readSecret(`Type password of ${user} again for confirmation: `);
  if (first !== second) throw badArguments('given passwords are different');
  return first;
}
