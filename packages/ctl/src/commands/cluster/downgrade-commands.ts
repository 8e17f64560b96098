import { DowngradeRequest_DowngradeAction as Action, DowngradeResponseSchema } from '@kvorum/api';
import { badArguments } from '../../exit-error.ts';
import { type Command, defineCommand } from '../../program/command.ts';

function downgradeCommand(use: string, what: string, action: Action): Command {
  return defineCommand({
    use,
    flags: {},
    run: async (invocation) => {
      const wantsVersion = action !== Action.CANCEL;
      const [version = '', ...more] = invocation.args;
      if (wantsVersion && version === '') throw badArguments('TARGET_VERSION not provided');
      if (wantsVersion && more.length > 0) throw badArguments('too many arguments');
      const { maintenance } = await invocation.client();
      const request = { action, version: wantsVersion ? version : '' };
      const response = await maintenance.downgrade(request, invocation.callOptions());
      const text = `Downgrade ${what} success, cluster version ${response.version}`;
      const message = [DowngradeResponseSchema, response] as const;
      await invocation.print({ simple: (line) => line(text), message });
    },
  });
}

export const validate = downgradeCommand('validate <TARGET_VERSION>', 'validate', Action.VALIDATE);
export const enable = downgradeCommand('enable <TARGET_VERSION>', 'enable', Action.ENABLE);
export const cancel = downgradeCommand('cancel', 'cancel', Action.CANCEL);
