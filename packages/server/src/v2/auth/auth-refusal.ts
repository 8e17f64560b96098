/** A refusal of the v2 API's users and roles: an HTTP status and etcd's text. */
export class AuthRefusal extends Error {
  override readonly name = 'AuthRefusal';
  readonly status: number;

  constructor(status: number, text: string) {
    super(text);
    this.status = status;
  }
}

/** The same, of the store of users: etcd puts its name in front. */
export function refusal(status: number, text: string): AuthRefusal {
  return new AuthRefusal(status, `auth: ${text}`);
}
