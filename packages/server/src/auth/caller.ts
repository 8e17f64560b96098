/** Who makes a request. It travels with the request through the log, so that every member decides by the same name. */
export interface Caller {
  readonly username: string;
  /** The auth revision that the caller was identified at: 1 or more. */
  readonly authRevision: number;
}
