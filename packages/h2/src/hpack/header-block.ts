import type { HeaderField } from './header-field.ts';

/**
 * A decoded field block. Immutable once decoded, and shared: the decoder gives the same object again
 * for the same bytes, so whatever is worked out from it can be remembered in `memo`.
 */
export class HeaderBlock {
  readonly fields: readonly HeaderField[];
  /** The list was over the limits, so `fields` is cut short. */
  readonly tooLarge: boolean;
  /** What the layer above derived from the fields; belongs to it alone. */
  memo: unknown = undefined;

  constructor(fields: readonly HeaderField[], tooLarge: boolean) {
    this.fields = fields;
    this.tooLarge = tooLarge;
  }
}
