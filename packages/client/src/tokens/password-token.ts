import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Auth, AuthenticateRequestSchema, AuthenticateResponseSchema } from '@kvorum/api';
import type { Caller } from '../caller.ts';
import { ClientError } from '../errors.ts';

/** Who the client is to the server. */
export interface Credentials {
  readonly name: string;
  readonly password: string;
}

const path = `/${Auth.typeName}/${Auth.method.authenticate.name}`;

/**
 * Gets a token for a name and a password; undefined where the server wants no authentication. `caller` makes calls
 * without a token. Rejects with `ClientError`.
 */
export async function passwordToken(
  caller: Caller,
  credentials: Credentials,
): Promise<string | undefined> {
  const request = create(AuthenticateRequestSchema, credentials);
  try {
    const answer = await caller.unary(path, toBinary(AuthenticateRequestSchema, request), {});
    return fromBinary(AuthenticateResponseSchema, answer).token;
  } catch (error) {
    if (error instanceof ClientError && error.code === 'authNotEnabled') return undefined;
    throw error;
  }
}
