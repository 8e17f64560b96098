import type { DescMessage, Message } from '@bufbuild/protobuf';
import {
  type LeaseGrantResponse,
  LeaseGrantResponseSchema,
  type LeaseKeepAliveResponse,
  LeaseKeepAliveResponseSchema,
  type LeaseLeasesResponse,
  LeaseLeasesResponseSchema,
  type LeaseTimeToLiveResponse,
  LeaseTimeToLiveResponseSchema,
  type ResponseHeader,
  ResponseHeaderSchema,
} from '@kvorum/api';
import { textOfBytes } from '../../output/byte-text.ts';
import { goJson, jsonBytes, jsonText } from '../../output/go-json.ts';
import { goQuote } from '../../output/go-quote.ts';
import { hexId } from '../../output/go-text.ts';
import { headerFields } from '../../output/key-values.ts';
import type { LineWriter, Rendering } from '../../output/rendering.ts';

// In JSON the header's fields lie beside the others: etcdctl prints structs of its client here, not messages.

/** JSON of a header's fields and more, each as `"name":value`. */
function flatJson(header: ResponseHeader | undefined, more: readonly string[]): string {
  const fields = header === undefined ? '' : goJson(ResponseHeaderSchema, header).slice(1, -1);
  return `{${[...(fields === '' ? [] : [fields]), ...more].join(',')}}`;
}

function idField(line: LineWriter, id: bigint, isHex: boolean): void {
  line(`"ID" : ${isHex ? hexId(id) : id}`);
}

export function grantRendering(response: LeaseGrantResponse): Rendering {
  const { header, ID, TTL, error } = response;
  return {
    simple: (line) => line(`lease ${hexId(ID)} granted with TTL(${TTL}s)`),
    fields: (line, isHex) => {
      headerFields(line, header, isHex);
      idField(line, ID, isHex);
      line(`"TTL" : ${TTL}`);
    },
    json: () => flatJson(header, [`"ID":${ID}`, `"TTL":${TTL}`, `"Error":${jsonText(error)}`]),
    message: [LeaseGrantResponseSchema, response],
  };
}

export function revokeRendering(id: bigint, schema: DescMessage, response: Message): Rendering {
  const { header } = response as Message & { header?: ResponseHeader };
  return {
    simple: (line) => line(`lease ${hexId(id)} revoked`),
    fields: (line, isHex) => headerFields(line, header, isHex),
    message: [schema, response],
  };
}

export function keepAliveRendering(response: LeaseKeepAliveResponse): Rendering {
  const { header, ID, TTL } = response;
  return {
    simple: (line) => line(`lease ${hexId(ID)} keepalived with TTL(${TTL})`),
    fields: (line, isHex) => {
      headerFields(line, header, isHex);
      idField(line, ID, isHex);
      line(`"TTL" : ${TTL}`);
    },
    json: () => flatJson(header, [`"ID":${ID}`, `"TTL":${TTL}`]),
    message: [LeaseKeepAliveResponseSchema, response],
  };
}

export function timeToLiveRendering(
  response: LeaseTimeToLiveResponse,
  hasKeys: boolean,
): Rendering {
  const { header, ID, TTL, grantedTTL, keys } = response;
  return {
    simple: (line) => line(timeToLiveLine(response, hasKeys)),
    fields: (line, isHex) => {
      headerFields(line, header, isHex);
      idField(line, ID, isHex);
      line(`"TTL" : ${TTL}`);
      line(`"GrantedTTL" : ${grantedTTL}`);
      for (const key of keys) line(`"Key" : ${goQuote(key)}`);
    },
    json: () => {
      const list = keys.length === 0 ? 'null' : `[${keys.map(jsonBytes).join(',')}]`;
      const ttls = [`"ttl":${TTL}`, `"granted-ttl":${grantedTTL}`];
      return flatJson(header, [`"id":${ID}`, ...ttls, `"keys":${list}`]);
    },
    message: [LeaseTimeToLiveResponseSchema, response],
  };
}

function timeToLiveLine(response: LeaseTimeToLiveResponse, hasKeys: boolean): string {
  const { ID, TTL, grantedTTL, keys } = response;
  if (grantedTTL === 0n && TTL === -1n) return `lease ${hexId(ID)} already expired`;
  const text = `lease ${hexId(ID)} granted with TTL(${grantedTTL}s), remaining(${TTL}s)`;
  return hasKeys ? `${text}, attached keys([${keys.map(textOfBytes).join(' ')}])` : text;
}

export function leasesRendering(response: LeaseLeasesResponse): Rendering {
  const { header, leases } = response;
  return {
    simple: (line) => {
      line(`found ${leases.length} leases`);
      for (const { ID } of leases) line(hexId(ID));
    },
    fields: (line, isHex) => {
      headerFields(line, header, isHex);
      for (const { ID } of leases) idField(line, ID, isHex);
    },
    json: () => {
      const list = leases.map(({ ID }) => `{"id":${ID}}`).join(',');
      return flatJson(header, [`"leases":[${list}]`]);
    },
    message: [LeaseLeasesResponseSchema, response],
  };
}
