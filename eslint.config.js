import tseslint from 'typescript-eslint';

const noDefaultExport = { selector: 'ExportDefaultDeclaration', message: 'Named exports only (CONTRIBUTING.md).' };
const noEnvironment = {
  selector: "MemberExpression[object.name='process'][property.name='env']",
  message: 'app/config is the only reader of process.env.',
};

/** Typical mistakes that the compiler does not find. */
const correctness = {
  eqeqeq: 'error',
  'no-async-promise-executor': 'error',
  'no-cond-assign': 'error',
  'no-constant-binary-expression': 'error',
  'no-constant-condition': ['error', { checkLoops: 'allExceptWhileTrue' }],
  'no-control-regex': 'error',
  'no-debugger': 'error',
  'no-duplicate-case': 'error',
  'no-empty': 'error',
  'no-empty-pattern': 'error',
  'no-ex-assign': 'error',
  'no-fallthrough': 'error',
  'no-irregular-whitespace': 'error',
  'no-loss-of-precision': 'error',
  'no-misleading-character-class': 'error',
  'no-param-reassign': 'error',
  'no-prototype-builtins': 'error',
  'no-self-assign': 'error',
  'no-self-compare': 'error',
  'no-sparse-arrays': 'error',
  'no-template-curly-in-string': 'error',
  'no-unreachable-loop': 'error',
  'no-unsafe-finally': 'error',
  'no-useless-catch': 'error',
  'no-var': 'error',
  'prefer-const': 'error',
  'require-yield': 'error',
  'use-isnan': 'error',
};

const size = {
  complexity: ['error', 12],
  'max-lines': ['error', 300],
  'max-lines-per-function': ['error', 60],
  'max-params': ['error', 4],
};

const types = {
  '@typescript-eslint/consistent-type-exports': 'error',
  '@typescript-eslint/consistent-type-imports': 'error',
  '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true }],
  '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', caughtErrors: 'all' }],
  '@typescript-eslint/prefer-readonly': 'error',
  '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
  '@typescript-eslint/switch-exhaustiveness-check': [
    'error',
    { allowDefaultCaseForExhaustiveSwitch: false, considerDefaultExhaustiveForUnions: false, requireDefaultForNonUnion: false },
  ],
};

const notInWorkflows = ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'Date', 'process', 'Buffer', 'fetch', 'crypto', 'performance'];
const noClockInCore = ['setTimeout', 'setInterval', 'setImmediate', 'Date', 'process', 'fetch', 'performance'];

const banGlobals = (names, message) => ['error', ...names.map((name) => ({ name, message }))];

export default tseslint.config(
  { ignores: ['node_modules/', 'dist/', 'coverage/', '.heliograph/', '.tools/', '.stack/', 'docs/', 'web/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: { ...correctness, ...size, ...types, 'no-console': 'error', 'no-restricted-syntax': ['error', noDefaultExport, noEnvironment] },
  },
  {
    files: ['app/config/**/*.ts', 'tests/**/*.ts', 'scripts/**/*.ts', 'bench/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', noDefaultExport] },
  },
  {
    files: ['cli/**/*.ts', 'scripts/**/*.ts', 'bench/**/*.ts', 'examples/**/*.ts', 'tests/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    // The body of a `describe` is a list, not a function to be understood at once; the tests in it stay short.
    files: ['tests/**/*.ts'],
    rules: {
      'max-lines-per-function': 'off',
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // Objects of a test are closures, without `this`.
      '@typescript-eslint/unbound-method': 'off',
      // Flags and counters of a test change in callbacks, which the rule does not see.
      '@typescript-eslint/no-unnecessary-condition': 'off',
    },
  },
  {
    files: ['core/**/*.ts'],
    rules: { 'no-restricted-globals': banGlobals(noClockInCore, 'core/ is pure: no I/O, no clock.') },
  },
  {
    files: ['workflows/**/*.ts'],
    rules: {
      'no-restricted-globals': banGlobals(notInWorkflows, 'Workflow code is replayed: use what @temporalio/workflow offers.'),
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { regex: '^(node:|assert$|crypto$|fs|http|net$|os$|path$|stream$|timers|util$)', message: 'No Node built-ins in workflow code.' },
          ],
        },
      ],
    },
  },
  {
    files: ['**/*.js', '**/*.mjs'],
    extends: [tseslint.configs.base],
    rules: { ...correctness, ...size, 'no-unused-vars': ['error', { caughtErrors: 'all' }] },
  },
);
