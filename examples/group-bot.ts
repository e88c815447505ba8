import { openDevice, type GroupEvent } from '../sdk/index.js';

const [server = 'http://127.0.0.1:8080', directory = '.heliograph-devices/greeter', invite] = process.argv.slice(2);
const bot = await openDevice({ server, directory, handle: 'greeter' });

function newIn(event: GroupEvent) {
  if (event.type === 'members-added') return event.members;
  return event.type === 'member-joined' ? [event.member] : [];
}

bot.on('message', async ({ conversation, conversationId, messageId, content }) => {
  if (conversation.kind !== 'group') return;
  if (content.type === 'text') await bot.send(conversationId, { type: 'reaction', messageId, emoji: '👋' });
  if (content.type !== 'event') return;
  for (const accountId of newIn(content.event)) {
    const text = accountId === bot.accountId ? 'Hello, I greet whoever comes.' : `Welcome, ${await bot.handleOf(accountId)}!`;
    await bot.send(conversationId, { type: 'text', text });
  }
});
bot.on('status', ({ state }) => console.log(`${bot.handle} is ${state}`));
bot.connect();
if (invite !== undefined) await bot.groups.join(invite);
