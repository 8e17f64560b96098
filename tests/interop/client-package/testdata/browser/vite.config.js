export default { build: { target: 'es2024', modulePreload: { polyfill: false } } };
