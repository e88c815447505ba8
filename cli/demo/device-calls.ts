/** A message as the proof compares it. */
export interface SeenMessage {
  readonly messageId: string;
  /** Missing while it is not accepted. */
  readonly position?: number | undefined;
  readonly text: string;
  readonly mine: boolean;
  readonly state?: string | undefined;
}

export interface DeviceSnapshot {
  /** Of the device's own store, in order. */
  readonly messages: readonly SeenMessage[];
  /** Of the server, opened by the device, in order. */
  readonly history: readonly SeenMessage[];
  /** What the peer got and read, as this device was told. */
  readonly delivered: number;
  readonly read: number;
}

export type Nothing = Readonly<Record<string, never>>;

/** What a device's process can be asked for; each has one answer. */
export interface DeviceCalls {
  readonly meet: { readonly with: string };
  /** Sends texts one after the other, pausing between them; answers the ids when all are durable. */
  readonly send: { readonly texts: readonly string[]; readonly pauseMs: number };
  readonly idle: Nothing;
  readonly markRead: Nothing;
  readonly counts: Nothing;
  readonly snapshot: Nothing;
  readonly close: Nothing;
}

export interface DeviceAnswers {
  readonly meet: null;
  readonly send: readonly string[];
  readonly idle: null;
  readonly markRead: null;
  readonly counts: { readonly received: number; readonly delivered: number; readonly read: number; readonly online: boolean };
  readonly snapshot: DeviceSnapshot;
  readonly close: null;
}

export type DeviceRequest = {
  readonly [Name in keyof DeviceCalls]: { readonly id: number; readonly call: Name; readonly input: DeviceCalls[Name] };
}[keyof DeviceCalls];
export type DeviceReply = { readonly id: number; readonly answer: unknown } | { readonly id: number; readonly failure: string };
