/** One end of a pair, as a protocol needs to know it. */
export interface LoadDevice {
  readonly accountId: string;
  readonly deviceId: number;
  readonly registrationId: number;
  /** What `hello` authenticates with. */
  readonly token: string;
}

/** Two devices and the conversation that one of them sends to the other in. */
export interface LoadPair {
  readonly conversationId: string;
  readonly rosterDigest: string;
  readonly sender: LoadDevice;
  readonly receiver: LoadDevice;
}

/** What frames from a server mean to the generator. Message numbers are the generator's own, from 1 for each pair. */
export interface FrameSink {
  /** The session is up; `live`: nothing queued comes before new messages. */
  welcomed(live: boolean): void;
  accepted(number: number, position: number): void;
  delivered(number: number): void;
  /** The deliver frame with this number was read to its end. */
  toAck(seq: number): void;
  /** Everything up to the position is on the receiver's device. */
  receipted(position: number): void;
  /** `number` is missing when the refusal is not about a send. */
  refused(code: string, number: number | undefined): void;
}

export type Encoded = string | Uint8Array;

/** A protocol that can be loaded. Encoding is hand-packed, decoding unchecked: the generator shares its machine with the server. */
export interface Wire {
  readonly subprotocol: string | undefined;
  hello(device: LoadDevice, peer: LoadDevice | undefined): Encoded;
  /** Encodes the pair's messages, by number. */
  messages(pair: LoadPair): (number: number) => Encoded;
  ack(seq: number): Encoded;
  read(data: Buffer, sink: FrameSink): void;
}
