import { openDevice } from '../sdk/index.js';

const [server = 'http://127.0.0.1:8080', directory = '.heliograph-devices/echo'] = process.argv.slice(2);
const bot = await openDevice({ server, directory, handle: 'echo' });

bot.on('message', async ({ conversationId, content }) => {
  if (content.type === 'text') await bot.send(conversationId, { type: 'text', text: `You said: ${content.text}` });
  await bot.markRead(conversationId);
});
bot.on('status', ({ state }) => console.log(`${bot.handle} is ${state}`));
bot.connect();
