import {
  ErrorCode,
  maxMaxFrameBytes,
  maxWindowBytes,
  minMaxFrameBytes,
  readUint32,
  SettingId,
  writeUint32,
} from './frames.ts';

const entryBytes = 6;

/** What a SETTINGS frame says; undefined: not mentioned. The last mention of a setting counts. */
export interface PeerSettings {
  /** The smallest size mentioned, and the last: the table must shrink to the one, then grow. */
  smallestTableBytes: number | undefined;
  tableBytes: number | undefined;
  enablePush: number | undefined;
  maxConcurrentStreams: number | undefined;
  initialWindowBytes: number | undefined;
  maxFrameBytes: number | undefined;
  maxHeaderListBytes: number | undefined;
}

/** A broken rule of RFC 9113 §6.5.2. */
export interface SettingsFault {
  readonly errorCode: number;
  readonly text: string;
}

/** Reads a payload whose length is a multiple of six. Unknown settings are ignored. */
export function readSettings(
  bytes: Uint8Array,
  start: number,
  end: number,
): PeerSettings | SettingsFault {
  const settings: PeerSettings = {
    smallestTableBytes: undefined,
    tableBytes: undefined,
    enablePush: undefined,
    maxConcurrentStreams: undefined,
    initialWindowBytes: undefined,
    maxFrameBytes: undefined,
    maxHeaderListBytes: undefined,
  };
  for (let at = start; at < end; at += entryBytes) {
    const id = readUint32(bytes, at) >>> 16;
    const fault = apply(settings, id, readUint32(bytes, at + 2));
    if (fault !== undefined) return fault;
  }
  return settings;
}

function apply(settings: PeerSettings, id: number, value: number): SettingsFault | undefined {
  switch (id) {
    case SettingId.headerTableSize:
      settings.tableBytes = value;
      settings.smallestTableBytes = Math.min(value, settings.smallestTableBytes ?? value);
      return undefined;
    case SettingId.enablePush:
      if (value > 1) return fault(ErrorCode.protocolError, `ENABLE_PUSH is ${value}`);
      settings.enablePush = value;
      return undefined;
    case SettingId.maxConcurrentStreams:
      settings.maxConcurrentStreams = value;
      return undefined;
    case SettingId.initialWindowSize:
      if (value > maxWindowBytes) {
        return fault(ErrorCode.flowControlError, `INITIAL_WINDOW_SIZE is ${value}`);
      }
      settings.initialWindowBytes = value;
      return undefined;
    case SettingId.maxFrameSize:
      if (value < minMaxFrameBytes || value > maxMaxFrameBytes) {
        return fault(ErrorCode.protocolError, `MAX_FRAME_SIZE is ${value}`);
      }
      settings.maxFrameBytes = value;
      return undefined;
    case SettingId.maxHeaderListSize:
      settings.maxHeaderListBytes = value;
      return undefined;
    default:
      return undefined;
  }
}

function fault(errorCode: number, text: string): SettingsFault {
  return { errorCode, text };
}

/** The payload of a SETTINGS frame. */
export function settingsPayload(entries: readonly (readonly [number, number])[]): Uint8Array {
  const bytes = new Uint8Array(entries.length * entryBytes);
  let at = 0;
  for (const [id, value] of entries) {
    bytes[at] = id >>> 8;
    bytes[at + 1] = id;
    at = writeUint32(bytes, at + 2, value);
  }
  return bytes;
}
