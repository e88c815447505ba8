import { optionalText, port, text, wholeNumber } from './setting.js';

/** Where Temporal is, and what this process is to it. */
export const temporalSettings = {
  address: optionalText({
    variable: 'HELIOGRAPH_TEMPORAL_ADDRESS',
    meaning: '`host:port` of a Temporal of your own; without it a development server is started in the data directory.',
  }),
  namespace: text({ variable: 'HELIOGRAPH_TEMPORAL_NAMESPACE', meaning: 'Temporal namespace.' }, 'default'),
  taskQueue: text(
    { variable: 'HELIOGRAPH_TEMPORAL_TASK_QUEUE', meaning: 'Task queue of the workflows; another one for each deployment in a namespace.' },
    'inbox-drain',
  ),
  buildId: optionalText({
    variable: 'HELIOGRAPH_TEMPORAL_BUILD_ID',
    meaning:
      'Distributed: version of this build, for Worker Versioning: its workers finish the workflows that they began, and take new ones once it is made the current one. Without it any worker takes any.',
  }),
  cli: optionalText({ variable: 'HELIOGRAPH_TEMPORAL_CLI', meaning: 'Path of the `temporal` program; `npm start` finds or installs one.' }),
  uiPort: wholeNumber(
    { variable: 'HELIOGRAPH_TEMPORAL_UI_PORT', meaning: 'Temporal Web UI of the development server; 0 takes a free port.' },
    8233,
    port,
  ),
};
