import { openDevice, type ConversationId, type FileContent } from '../../sdk/index.js';
import { eventually } from './eventually.js';

/** A device that sends or saves one file, and says how much more it held meanwhile: `node --expose-gc file-device.ts SERVER DIRECTORY CONVERSATION send|save PATH`. */
const [server = '', directory = '', conversation = '', action, path = ''] = process.argv.slice(2);
const conversationId = conversation as ConversationId;
const device = await openDevice({ server, directory });
device.connect();
await device.idle();

const fileHere = (): FileContent => {
  const content = device.messages(conversationId).at(-1)?.content;
  if (content?.type !== 'file') throw new Error('no file came yet');
  return content;
};
const content = action === 'save' ? await eventually(fileHere) : undefined;

/** Without what is only waiting for the garbage collector: V8 lets 64 MB of buffers gather before it looks. */
const heldBytes = (): number => {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};
const beforeBytes = heldBytes();
let mostBytes = beforeBytes;
const watching = setInterval(() => {
  mostBytes = Math.max(mostBytes, heldBytes());
}, 300);
if (content === undefined) await device.files.send(conversationId, path);
else await device.files.save(content, path);
clearInterval(watching);
await device.idle();
await device.close();
process.stdout.write(JSON.stringify({ grewBytes: mostBytes - beforeBytes }));
