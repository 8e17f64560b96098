/** A request that isn't the JSON it should be. The text is for its sender, in the words of etcd's gateway. */
export class JsonError extends Error {
  override readonly name = 'JsonError';
}

/** A body that is larger than anything a method takes. */
export class BodyTooLargeError extends Error {
  override readonly name = 'BodyTooLargeError';
}
