import { SetUpError } from './set-up-error.mjs';

const needed = { major: 20, minor: 19 };

export function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > needed.major || (major === needed.major && minor >= needed.minor)) return;
  throw new SetUpError(
    `This is Node ${process.versions.node}, Heliograph needs ${needed.major}.${needed.minor} or newer`,
    'Install a current Node (https://nodejs.org, or `nvm install --lts`) and start again',
  );
}
