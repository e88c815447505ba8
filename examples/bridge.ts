import { createInterface } from 'node:readline';

import { openDevice, type Message, type OutgoingState } from '../sdk/index.js';

// What comes in on stdin goes to somebody, line by line: `tail -f log | node dist/examples/bridge.js http://127.0.0.1:8080 .heliograph-devices/bridge alice`
const [server = 'http://127.0.0.1:8080', directory = '.heliograph-devices/bridge', peer = 'alice'] = process.argv.slice(2);
const ticks: Record<OutgoingState, string> = { pending: '…', accepted: '✓', delivered: '✓✓', read: '✓✓ read', failed: 'refused' };

const device = await openDevice({ server, directory, handle: 'bridge' });
const { conversationId } = await device.conversationWith(peer);
const shown = new Map<string, string>();

function show({ messageId, content, state }: Message) {
  if (content.type !== 'text' || state === undefined || shown.get(messageId) === state) return;
  shown.set(messageId, state);
  console.log(`${ticks[state]} ${content.text}`);
}

device.on('outgoing', show);
device.on('receipts', () => device.messages(conversationId, { limit: 20 }).forEach(show));
device.connect();
for await (const text of createInterface({ input: process.stdin })) {
  if (text !== '') await device.send(conversationId, { type: 'text', text });
}
// What is not accepted by now would wait in the directory for the next start.
await device.idle();
await device.close();
