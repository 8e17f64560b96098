import { type DescEnum, type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';

/** Types of fields that etcd's API has; a new one would be noticed when its message is planned. */
export type FieldKind =
  | 'bool'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'uint64'
  | 'string'
  | 'bytes'
  | 'enum'
  | 'message';

const scalarKinds: ReadonlyMap<ScalarType, FieldKind> = new Map([
  [ScalarType.BOOL, 'bool'],
  [ScalarType.INT32, 'int32'],
  [ScalarType.UINT32, 'uint32'],
  [ScalarType.INT64, 'int64'],
  [ScalarType.UINT64, 'uint64'],
  [ScalarType.STRING, 'string'],
  [ScalarType.BYTES, 'bytes'],
]);

/** Features of a field in the words of descriptors: presence is implicit when zero means absent. */
const IMPLICIT = 2;
const VARINT = 0;
const LENGTH_DELIMITED = 2;

/** What both directions of the JSON mapping need to know of a field. */
export interface FieldPlan {
  /** Position in the message, below 31. */
  readonly index: number;
  readonly number: number;
  /** As in the .proto file, which is what answers use: `range_end`. */
  readonly name: string;
  /** The other name that requests may use: `rangeEnd`. */
  readonly jsonName: string;
  readonly kind: FieldKind;
  readonly isList: boolean;
  /** Numbers of a list stand in one field. */
  readonly isPacked: boolean;
  /** A zero is left out. */
  readonly isImplicit: boolean;
  /** Tag of one value in wire format. */
  readonly tag: number;
  /** Full name of the oneof it is part of, and the position of that. */
  readonly oneof: { readonly index: number; readonly name: string } | undefined;
  readonly enumType: DescEnum | undefined;
  /** Of the embedded message; made when it's first asked for, since messages may contain themselves. */
  readonly message: () => MessagePlan;
}

/** How a message is read from JSON and written to it. */
export class MessagePlan {
  static readonly #plans = new Map<DescMessage, MessagePlan>();

  /** In the order of the .proto file, which is that of answers. */
  readonly fields: readonly FieldPlan[];
  readonly byName: ReadonlyMap<string, FieldPlan>;
  readonly byNumber: ReadonlyMap<number, FieldPlan>;

  private constructor(message: DescMessage) {
    this.fields = message.fields.map((field, index) => planField(message, field, index));
    this.byName = new Map(
      this.fields.flatMap((field) => [
        [field.name, field] as const,
        [field.jsonName, field] as const,
      ]),
    );
    this.byNumber = new Map(this.fields.map((field) => [field.number, field]));
  }

  /** The plan of a message, the same each time. Throws for types of fields that it knows nothing of. */
  static of(message: DescMessage): MessagePlan {
    let plan = MessagePlan.#plans.get(message);
    if (plan === undefined) {
      plan = new MessagePlan(message);
      MessagePlan.#plans.set(message, plan);
    }
    return plan;
  }
}

function planField(message: DescMessage, field: DescField, index: number): FieldPlan {
  const kind = kindOf(field);
  const isPacked = field.fieldKind === 'list' && field.packed;
  const isDelimited = isPacked || kind === 'string' || kind === 'bytes' || kind === 'message';
  const { oneof } = field;
  return {
    index,
    number: field.number,
    name: field.name,
    jsonName: field.jsonName,
    kind,
    isList: field.fieldKind === 'list',
    isPacked,
    isImplicit: field.fieldKind !== 'list' && field.presence === IMPLICIT,
    tag: field.number * 8 + (isDelimited ? LENGTH_DELIMITED : VARINT),
    oneof:
      oneof === undefined
        ? undefined
        : { index: message.oneofs.indexOf(oneof), name: `${message.typeName}.${oneof.name}` },
    enumType: field.enum,
    message: () => {
      if (field.message === undefined) throw new Error(`${field.name} is no message`);
      return MessagePlan.of(field.message);
    },
  };
}

function kindOf(field: DescField): FieldKind {
  if (field.fieldKind !== 'map') {
    if (field.enum !== undefined) return 'enum';
    if (field.message !== undefined) return 'message';
    const kind = field.scalar === undefined ? undefined : scalarKinds.get(field.scalar);
    if (kind !== undefined) return kind;
  }
  throw new Error(`the JSON gateway has no mapping for ${field.parent.typeName}.${field.name}`);
}
