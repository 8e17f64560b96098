/** What a certificate is made of that nobody vouches for. */
export interface SelfSignedRequest {
  /** Names and IP addresses that it is good for. */
  readonly hosts: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** Certificate and key, both PEM. */
export interface SelfSigned {
  readonly cert: string;
  readonly key: string;
}

/** Makes certificates; injected, since keys are random. */
export type MakeSelfSigned = (request: SelfSignedRequest) => Promise<SelfSigned>;
