import type { RequestOp, TxnResponse } from '@kvorum/api';
import { TxnResponseSchema } from '@kvorum/api';
import { badArguments } from '../../exit-error.ts';
import { booleanFlag } from '../../flags/flag.ts';
import type { Host } from '../../host.ts';
import { InputLines } from '../../input-lines.ts';
import { headerFields } from '../../output/key-values.ts';
import type { LineWriter, Rendering } from '../../output/rendering.ts';
import { defineCommand } from '../../program/command.ts';
import {
  deleteFields,
  deleteLines,
  putFields,
  putLines,
  rangeFields,
  rangeLines,
} from './kv-renderings.ts';
import { parseCompare } from './txn-compare.ts';
import { parseOperation } from './txn-operation.ts';

export const txn = defineCommand({
  use: 'txn [options]',
  long: `Txn reads multiple etcd requests from standard input and applies them as a single atomic transaction.

A transaction consists of three components:
1) a list of conditions,
2) a list of requests to apply if all the conditions are true,
3) a list of requests to apply if any condition is false.

Example interactive stdin usage:

---
etcdctl txn -i
# compares:
mod("key1") > "0"

# success requests (get, put, delete):
put key1 "overwrote-key1"

# failure requests (get, put, delete):
put key1 "created-key1"
put key2 "some extra key"
---

Refer to https://github.com/etcd-io/etcd/blob/main/etcdctl/README.md#txn-options.`,
  flags: {
    interactive: booleanFlag('Input transaction in interactive mode', false, 'i'),
  },
  run: async (invocation) => {
    const { args, flags, host } = invocation;
    if (args.length > 0) throw badArguments('txn command does not accept argument');
    const client = await invocation.client();
    const lines = new InputLines(host.stdin);
    const prompt = (text: string) => {
      if (flags.interactive) invocation.writeLine(text);
    };
    prompt('compares:');
    const compare = await readSection(lines, async (line) => parseCompare(line));
    prompt('success requests (get, put, del):');
    const success = await readOperations(lines, host);
    prompt('failure requests (get, put, del):');
    const failure = await readOperations(lines, host);
    const request = { compare, success, failure };
    await invocation.print(rendering(await client.kv.txn(request, invocation.callOptions())));
  },
});

function readOperations(lines: InputLines, host: Host): Promise<RequestOp[]> {
  return readSection(lines, (line) => parseOperation(line, host));
}

/** Lines up to an empty one, each parsed as it comes. */
async function readSection<T>(
  lines: InputLines,
  parse: (line: string) => Promise<T>,
): Promise<T[]> {
  const parsed: T[] = [];
  for (;;) {
    const line = (await lines.mustNext()).trim();
    if (line === '') return parsed;
    parsed.push(await parse(line));
  }
}

function rendering(response: TxnResponse): Rendering {
  return {
    simple: (line, isHex) => simple(line, response, isHex),
    fields: (line, isHex) => fields(line, response, isHex),
    message: [TxnResponseSchema, response],
  };
}

function simple(line: LineWriter, { succeeded, responses }: TxnResponse, isHex: boolean): void {
  line(succeeded ? 'SUCCESS' : 'FAILURE');
  for (const { response } of responses) {
    line('');
    if (response.case === 'responsePut') putLines(line, response.value, isHex);
    else if (response.case === 'responseRange') rangeLines(line, response.value, isHex);
    else if (response.case === 'responseDeleteRange') deleteLines(line, response.value, isHex);
  }
}

function fields(line: LineWriter, response: TxnResponse, isHex: boolean): void {
  headerFields(line, response.header, isHex);
  line(`"Succeeded" : ${response.succeeded}`);
  for (const { response: one } of response.responses) {
    if (one.case === 'responsePut') putFields(line, one.value, isHex);
    else if (one.case === 'responseRange') rangeFields(line, one.value, isHex);
    else if (one.case === 'responseDeleteRange') deleteFields(line, one.value, isHex);
  }
}
