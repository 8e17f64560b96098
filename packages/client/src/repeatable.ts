/**
 * Methods that change nothing, or the same thing twice: a call of them may be sent again although the server may have
 * acted on it. All others are sent again only when it certainly has not.
 */
export const repeatableMethods: ReadonlySet<string> = new Set([
  '/etcdserverpb.KV/Range',
  '/etcdserverpb.Lease/LeaseTimeToLive',
  '/etcdserverpb.Lease/LeaseLeases',
  '/etcdserverpb.Cluster/MemberList',
  '/etcdserverpb.Maintenance/Status',
  '/etcdserverpb.Maintenance/Hash',
  '/etcdserverpb.Maintenance/HashKV',
  '/etcdserverpb.Auth/AuthStatus',
  '/etcdserverpb.Auth/Authenticate',
  '/etcdserverpb.Auth/UserGet',
  '/etcdserverpb.Auth/UserList',
  '/etcdserverpb.Auth/RoleGet',
  '/etcdserverpb.Auth/RoleList',
]);

/**
 * The read that is sent to another endpoint besides when one is slow to answer. Others that may be repeated are costly,
 * are about one member, or may write, and must not be under way twice.
 */
export const hedgedMethod = '/etcdserverpb.KV/Range';
