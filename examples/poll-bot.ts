import { DomainError, openDevice } from '../sdk/index.js';

const [server = 'http://127.0.0.1:8080', directory = '.heliograph-devices/pollster'] = process.argv.slice(2);
const bot = await openDevice({ server, directory, handle: 'pollster' });

// "/poll Lunch? | pizza | pasta" asks; when everybody has voted, the outcome is said.
bot.on('message', async ({ conversationId, content }) => {
  if (content.type !== 'text' || !content.text.startsWith('/poll ')) return;
  const [question = '', ...options] = content.text
    .slice('/poll '.length)
    .split('|')
    .map((part) => part.trim());
  try {
    await bot.send(conversationId, { type: 'poll', question, options, choice: 'single' });
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    await bot.send(conversationId, { type: 'text', text: `/poll QUESTION | ONE | OTHER, please (${error.message})` });
  }
});

bot.on('message-changed', async ({ conversationId, messageId, sender, content, votes = [] }) => {
  if (content.type !== 'poll' || sender.accountId !== bot.accountId) return;
  const conversation = bot.conversations().find((of) => of.conversationId === conversationId);
  const others = conversation?.kind === 'group' ? conversation.members.length - 1 : 1;
  if (new Set(votes.flat()).size < others) return;
  const outcome = content.options.map((option, index) => `${option}: ${votes[index]?.length ?? 0}`).join(', ');
  await bot.send(conversationId, { type: 'text', text: outcome, replyTo: messageId });
});
bot.on('status', ({ state }) => console.log(`${bot.handle} is ${state}`));
bot.connect();
