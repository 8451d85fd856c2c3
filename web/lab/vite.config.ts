import { defineConfig } from 'vite';

export default defineConfig({
  build: {
    // One module of our own code, which JupyterLab's builder puts into the form in which JupyterLab loads it.
    lib: { entry: 'src/index.ts', formats: ['es'], fileName: 'index' },
    rolldownOptions: { external: /^@(jupyterlab|lumino)\// },
    target: ['chrome123', 'firefox125', 'safari17.5'],
    minify: false,
  },
});
