import { AuthStatusResponseSchema } from '@kvorum/api';
import { ClientError } from '@kvorum/client';
import { badArguments } from '../../exit-error.ts';
import { defineCommand } from '../../program/command.ts';
import type { Invocation } from '../../program/invocation.ts';

function refuseArguments(invocation: Invocation, name: string): void {
  if (invocation.args.length === 0) return;
  throw badArguments(`auth ${name} command does not accept any arguments`);
}

export const enable = defineCommand({
  use: 'enable',
  flags: {},
  run: async (invocation) => {
    refuseArguments(invocation, 'enable');
    const { auth } = await invocation.client();
    const options = invocation.callOptions();
    try {
      await auth.authEnable({}, options);
    } catch (error) {
      if (!(error instanceof ClientError) || error.code !== 'rootRoleNotExist') throw error;
      await auth.roleAdd({ name: 'root' }, options);
      await auth.userGrantRole({ user: 'root', role: 'root' }, options);
      await auth.authEnable({}, options);
    }
    invocation.writeLine('Authentication Enabled');
  },
});

export const disable = defineCommand({
  use: 'disable',
  flags: {},
  run: async (invocation) => {
    refuseArguments(invocation, 'disable');
    const { auth } = await invocation.client();
    await auth.authDisable({}, invocation.callOptions());
    invocation.writeLine('Authentication Disabled');
  },
});

export const status = defineCommand({
  use: 'status',
  flags: {},
  run: async (invocation) => {
    refuseArguments(invocation, 'status');
    const { auth } = await invocation.client();
    const response = await auth.authStatus({}, invocation.callOptions());
    await invocation.print({
      simple: (line) => {
        line(`Authentication Status: ${response.enabled}`);
        line(`AuthRevision: ${response.authRevision}`);
      },
      message: [AuthStatusResponseSchema, response],
    });
  },
});
