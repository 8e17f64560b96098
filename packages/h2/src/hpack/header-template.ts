import type { HeaderField } from './header-field.ts';

/** Fields that many messages share. Made once; each connection remembers how it encodes them. */
export class HeaderTemplate {
  readonly fields: readonly HeaderField[];

  constructor(fields: readonly HeaderField[]) {
    this.fields = fields;
  }
}
