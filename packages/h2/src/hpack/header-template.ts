import { type HeaderField, listBytes } from './header-field.ts';

/** Fields that many messages share. Made once; each connection remembers how it encodes them. */
export class HeaderTemplate {
  readonly fields: readonly HeaderField[];
  /** Bytes they count in a header list. */
  readonly size: number;

  constructor(fields: readonly HeaderField[]) {
    this.fields = fields;
    this.size = listBytes(fields);
  }
}
