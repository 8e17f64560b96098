import { create, toBinary } from '@bufbuild/protobuf';
import {
  MemberListResponseSchema,
  MemberSchema,
  RangeRequestSchema,
  RangeResponseSchema,
} from '@kvorum/api';
import { prefixEnd } from '@kvorum/client';
import type { CallInfo, GrpcMethod } from '@kvorum/h2';
import { decodeMessage } from '../codec/message.ts';
import { ProtoReader } from '../codec/proto-reader.ts';
import type { Backend } from './backend.ts';
import { answering, forwarded } from './forward.ts';
import type { KeyTranslation } from './namespace.ts';
import { readRegistration } from './registration.ts';

const path = '/etcdserverpb.Cluster';
const rangePath = '/etcdserverpb.KV/Range';

/** What the members' service of a proxy is made of. */
export interface ProxyClusterOptions {
  readonly backend: Backend;
  readonly translation: KeyTranslation;
  /** --advertise-client-url; empty: clients are told of the members. */
  readonly advertised: string;
  /** Under which proxies have registered; empty: they have not. */
  readonly resolverPrefix: string;
  readonly hostname: string;
}

/**
 * etcdserverpb.Cluster: clients that ask for the members are told of proxies, so that they stay with those. What
 * changes the membership goes on to the members.
 */
export function clusterMethods(options: ProxyClusterOptions): [string, GrpcMethod][] {
  const { backend } = options;
  const changes = ['MemberAdd', 'MemberRemove', 'MemberUpdate', 'MemberPromote'];
  return [
    [
      `${path}/MemberList`,
      options.advertised === ''
        ? forwarded(backend, `${path}/MemberList`)
        : answering(async (request, call) => {
            checkRequest(request);
            return await listProxies(options, call);
          }),
    ],
    ...changes.map((name): [string, GrpcMethod] => {
      return [`${path}/${name}`, forwarded(backend, `${path}/${name}`)];
    }),
  ];
}

async function listProxies(options: ProxyClusterOptions, call: CallInfo): Promise<Uint8Array> {
  const { advertised, resolverPrefix, hostname } = options;
  const registered = resolverPrefix === '' ? [] : await listRegistered(options, call);
  const proxies = registered.length > 0 ? registered : [{ name: hostname, address: advertised }];
  const members = proxies.map(({ name, address }) => {
    return create(MemberSchema, { name, clientURLs: [address] });
  });
  return toBinary(MemberListResponseSchema, create(MemberListResponseSchema, { members }));
}

async function listRegistered(
  { backend, translation, resolverPrefix }: ProxyClusterOptions,
  call: CallInfo,
) {
  const key = Buffer.from(`${resolverPrefix}/`);
  const request = create(RangeRequestSchema, { key, rangeEnd: prefixEnd(key) });
  const translated = translation.request(rangePath, toBinary(RangeRequestSchema, request));
  const answer = await backend.unary(rangePath, translated, call);
  const { kvs } = decodeMessage(RangeResponseSchema, answer);
  return kvs.map(({ value }) => readRegistration(value)).filter((one) => one !== undefined);
}

/** Nothing in it matters here, but what is no request is none here either. Throws `ProtoError`. */
function checkRequest(request: Uint8Array): void {
  const reader = new ProtoReader(request);
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) reader.bool();
    else reader.skip();
  }
}
