/** What one device of a conversation knows. */
export interface DeviceRecord {
  readonly name: string;
  /** Positions of own messages by message id, as the server answered. */
  readonly accepted: ReadonlyMap<string, number>;
  /** In the order of their first arrival. */
  readonly received: readonly { readonly messageId: string; readonly position: number }[];
  /** Highest position under which something came that it had already; 0 when nothing did. */
  readonly repeatedUpTo: number;
  /** Up to where it was told that the other has everything; 0 when it was told nothing. */
  readonly receipted: number;
}

export interface ConversationRecord {
  readonly devices: readonly [DeviceRecord, DeviceRecord];
  readonly history: readonly { readonly messageId: string; readonly position: number }[];
}

/** Everything that breaks a promise of docs/delivery.md. Empty when all hold. */
export function findDeliveryFaults({ devices, history }: ConversationRecord): readonly string[] {
  const [one, other] = devices;
  return [...historyFaults(devices, history), ...transferFaults(one, other), ...transferFaults(other, one)];
}

function historyFaults(devices: readonly DeviceRecord[], history: ConversationRecord['history']): string[] {
  const faults: string[] = [];
  const byId = new Map<string, number>();
  let last = -1;
  for (const { messageId, position } of history) {
    if (byId.has(messageId)) faults.push(`history has ${messageId} twice`);
    if (position <= last) faults.push(`history is out of order at ${messageId}`);
    byId.set(messageId, position);
    last = position;
  }
  const accepted = devices.flatMap(({ accepted: of }) => [...of]);
  for (const [messageId, position] of accepted) {
    if (byId.get(messageId) !== position) faults.push(`${messageId} was accepted at ${position}, history says ${byId.get(messageId) ?? 'nothing'}`);
  }
  if (byId.size !== accepted.length) faults.push(`history has ${byId.size} messages, ${accepted.length} were accepted`);
  return faults;
}

function transferFaults(sender: DeviceRecord, receiver: DeviceRecord): string[] {
  const faults: string[] = [];
  const got = new Map<string, number>();
  let last = 0;
  for (const { messageId, position } of receiver.received) {
    if (got.has(messageId)) faults.push(`${receiver.name} kept ${messageId} twice`);
    if (position < last) faults.push(`${receiver.name} got ${messageId} behind a later one`);
    got.set(messageId, position);
    last = position;
  }
  for (const [messageId, position] of sender.accepted) {
    if (!got.has(messageId)) faults.push(`${receiver.name} never got ${messageId} of ${sender.name}`);
    else if (got.get(messageId) !== position) faults.push(`${messageId} has two positions`);
  }
  if (sender.receipted > Math.max(last, receiver.repeatedUpTo))
    faults.push(`${sender.name} was told of a delivery that ${receiver.name} does not have`);
  return faults;
}
