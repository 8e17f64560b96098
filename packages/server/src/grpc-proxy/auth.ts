import { Auth } from '@kvorum/api';
import type { GrpcMethod } from '@kvorum/h2';
import type { Backend } from './backend.ts';
import { answering } from './forward.ts';

/** Those that change nothing. */
const readOnly = /^(Authenticate|AuthStatus|UserGet|UserList|RoleGet|RoleList)$/;

/** etcdserverpb.Auth, answered by the members; `onChange` is called when somebody may read less than before. */
export function authMethods(backend: Backend, onChange: () => void): [string, GrpcMethod][] {
  return Auth.methods.map(({ name }) => {
    const path = `/${Auth.typeName}/${name}`;
    const method = answering(async (request, call) => {
      try {
        return await backend.unary(path, request, call);
      } finally {
        // Also after a failure: it may have been done.
        if (!readOnly.test(name)) onChange();
      }
    });
    return [path, method];
  });
}
