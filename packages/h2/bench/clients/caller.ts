/** A client under test. */
export interface Caller {
  /** One call of `Unary` with the message; resolves with the bytes of the reply. */
  unary(message: Buffer): Promise<number>;
  /** One call of `Stream`; resolves with the bytes of all messages together. */
  stream(message: Buffer): Promise<number>;
  close(): void;
}
