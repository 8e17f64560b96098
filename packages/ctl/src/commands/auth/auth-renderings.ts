import type { DescMessage, Message } from '@bufbuild/protobuf';
import {
  type AuthRoleGetResponse,
  AuthRoleGetResponseSchema,
  type AuthRoleListResponse,
  AuthRoleListResponseSchema,
  type Permission,
  Permission_TypeSchema,
  Permission_Type as PermissionType,
  type ResponseHeader,
} from '@kvorum/api';
import { openEnd, prefixEnd } from '@kvorum/client';
import { textOfBytes } from '../../output/byte-text.ts';
import { enumName } from '../../output/enum-name.ts';
import { goQuote } from '../../output/go-quote.ts';
import { headerFields } from '../../output/key-values.ts';
import type { LineWriter, Rendering } from '../../output/rendering.ts';

/** Of a call whose answer is a header: one line of text. */
export function plainRendering(text: string, schema: DescMessage, response: Message): Rendering {
  const { header } = response as Message & { readonly header?: ResponseHeader };
  return {
    simple: (line) => line(text),
    fields: (line, isHex) => headerFields(line, header, isHex),
    message: [schema, response],
  };
}

export function roleListRendering(response: AuthRoleListResponse): Rendering {
  return {
    simple: (line) => {
      for (const role of response.roles) line(role);
    },
    fields: (line, isHex) => {
      headerFields(line, response.header, isHex);
      line(`"Roles" :${response.roles.map((role) => ` ${goQuote(role)}`).join('')}`);
    },
    message: [AuthRoleListResponseSchema, response],
  };
}

export function roleRendering(name: string, response: AuthRoleGetResponse): Rendering {
  return {
    simple: (line) => roleLines(line, name, response.perm),
    fields: (line, isHex) => {
      headerFields(line, response.header, isHex);
      for (const { permType, key, rangeEnd } of response.perm) {
        line(`"PermType" :  ${enumName(Permission_TypeSchema, permType)}`);
        line(`"Key" : ${goQuote(key)}`);
        line(`"RangeEnd" : ${goQuote(rangeEnd)}`);
      }
    },
    message: [AuthRoleGetResponseSchema, response],
  };
}

function roleLines(line: LineWriter, name: string, permissions: readonly Permission[]): void {
  line(`Role ${name}`);
  const ofType = (type: PermissionType) =>
    permissions.filter(({ permType }) => {
      return permType === type || permType === PermissionType.READWRITE;
    });
  const isRootBefore36 = name === 'root' && permissions.length === 0;
  for (const [title, type] of [
    ['KV Read:', PermissionType.READ],
    ['KV Write:', PermissionType.WRITE],
  ] as const) {
    line(title);
    if (isRootBefore36) line('\t[, <open ended>');
    for (const permission of ofType(type)) line(`\t${spanText(permission)}`);
  }
}

function spanText({ key, rangeEnd }: Permission): string {
  const from = textOfBytes(key);
  if (rangeEnd.length === 0) return from;
  const isOpen = Buffer.compare(rangeEnd, openEnd) === 0;
  const span = isOpen ? `[${from}, <open ended>` : `[${from}, ${textOfBytes(rangeEnd)})`;
  const isPrefix = key.length > 0 && Buffer.compare(prefixEnd(key), rangeEnd) === 0;
  return isPrefix ? `${span} (prefix ${from})` : span;
}
