/** A device that writes as fast as it can until it is killed: `killed-device SERVER DIRECTORY HANDLE PEER`, or instead of the peer `#` and the id of a group. Prints what its promises promised. */
import { openDevice, type ConversationId } from '../../sdk/index.js';

const [server = '', directory = '', handle = '', peer = ''] = process.argv.slice(2);
const device = await openDevice({ server, directory, handle, reconnect: { baseMs: 20, capMs: 200, spreadMs: 100 } });
const say = (word: string, id: string) => process.stdout.write(`${word} ${id}\n`);

device.on('message', ({ messageId, conversationId, position }) => {
  say('told', messageId);
  return device.markRead(conversationId, position);
});
device.connect();
const conversationId = peer.startsWith('#') ? (peer.slice(1) as ConversationId) : (await device.conversationWith(peer)).conversationId;
say('ready', conversationId);
process.stdin.once('data', () => void write());

/** Neither waits for the other side, nor for the server. */
async function write(): Promise<void> {
  for (;;) {
    const { messageId } = await device.send(conversationId, { type: 'text', text: `of ${handle} in ${process.pid}` });
    say('sent', messageId);
    await new Promise((resolve) => setTimeout(resolve, 4));
  }
}
