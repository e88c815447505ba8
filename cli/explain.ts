import { Command } from 'commander';

interface ExplainFlags {
  readonly server: string;
  readonly tokenFile?: string;
  readonly json: boolean;
}

const help = `
Asks the admin port, with the operator token: HELIOGRAPH_OPERATOR_TOKEN, or the one that the server on this machine keeps in its data directory (HELIOGRAPH_DATA_DIR).
What the states mean: docs/explain.md.`;

/** `heliograph explain`. */
export function createExplainCommand(): Command {
  return new Command('explain')
    .description('Shows where a message is for each device, and why')
    .argument('<message-id>', 'the message')
    .option('--server <url>', 'admin address of the server, or of any of its processes', 'http://127.0.0.1:9090')
    .option('--token-file <path>', 'a file with the operator token')
    .option('--json', 'print all of it as JSON', false)
    .addHelpText('after', help)
    .action(async (messageId: string, { server, tokenFile, json }: ExplainFlags) => {
      const { askExplanation } = await import('./explain/ask-explanation.js');
      const { renderExplanation } = await import('./explain/render-explanation.js');
      const explanation = await askExplanation(messageId, { server, tokenFile });
      console.log(json ? JSON.stringify(explanation, undefined, 2) : renderExplanation(explanation));
    });
}
