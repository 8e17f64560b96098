import { create } from '@bufbuild/protobuf';
import {
  AlarmRequest_AlarmAction as Action,
  type AlarmMember,
  type AlarmResponse,
  AlarmResponseSchema,
  AlarmType,
  AlarmTypeSchema,
} from '@kvorum/api';
import { badArguments } from '../../exit-error.ts';
import { enumName } from '../../output/enum-name.ts';
import { headerFields } from '../../output/key-values.ts';
import type { Rendering } from '../../output/rendering.ts';
import { defineCommand } from '../../program/command.ts';

export const list = defineCommand({
  use: 'list',
  flags: {},
  run: async (invocation) => {
    if (invocation.args.length > 0) throw badArguments('alarm list command accepts no arguments');
    const client = await invocation.client();
    const options = invocation.callOptions();
    await invocation.print(
      rendering(await client.maintenance.alarm({ action: Action.GET }, options)),
    );
  },
});

export const disarm = defineCommand({
  use: 'disarm',
  flags: {},
  run: async (invocation) => {
    if (invocation.args.length > 0) throw badArguments('alarm disarm command accepts no arguments');
    const { maintenance } = await invocation.client();
    const options = invocation.callOptions();
    const { alarms } = await maintenance.alarm({ action: Action.GET }, options);
    const disarmed: AlarmMember[] = [];
    for (const { memberID, alarm } of alarms) {
      const request = { action: Action.DEACTIVATE, memberID, alarm };
      disarmed.push(...(await maintenance.alarm(request, options)).alarms);
    }
    // As etcdctl's, which gathers several answers, it has no header.
    await invocation.print(rendering(create(AlarmResponseSchema, { alarms: disarmed })));
  },
});

function rendering(response: AlarmResponse): Rendering {
  return {
    simple: (line) => {
      for (const { memberID, alarm } of response.alarms) {
        const id = memberID === 0n ? '' : `memberID:${memberID} `;
        line(
          `${id}${alarm === AlarmType.NONE ? '' : `alarm:${enumName(AlarmTypeSchema, alarm)} `}`,
        );
      }
    },
    fields: (line, isHex) => {
      headerFields(line, response.header, isHex);
      for (const { memberID, alarm } of response.alarms) {
        line(`"MemberID" : ${isHex ? memberID.toString(16) : memberID}`);
        line(`"AlarmType" : ${enumName(AlarmTypeSchema, alarm)}`);
        line('');
      }
    },
    message: [AlarmResponseSchema, response],
  };
}
