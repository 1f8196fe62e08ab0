import react from '@vitejs/plugin-react'
import { defaultClientConditions, defineConfig } from 'vite'

/**
 * Builds the demo into the server's `dist`, from where the server serves it at `/`. No server code imports from here.
 *
 * Two copies of yjs in one page would not recognise each other's types, two of React would break every hook: both
 * are deduplicated. What changes with each release of ours is kept apart from what changes with its dependencies.
 */
export default defineConfig({
  root: import.meta.dirname,
  base: './',
  plugins: [react()],
  resolve: {
    conditions: ['syncline-source', ...defaultClientConditions],
    dedupe: ['yjs', 'react', 'react-dom'],
  },
  build: {
    outDir: '../../server/dist/demo',
    emptyOutDir: true,
    target: 'es2023',
    // Every browser that runs this target preloads modules by itself.
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 520,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            {
              name: 'react',
              test: /node_modules[\\/](react|react-dom|scheduler|use-sync-external-store)[\\/]/,
            },
            { name: 'sync', test: /node_modules[\\/](yjs|lib0|y-protocols|y-websocket|y-indexeddb)[\\/]/ },
            { name: 'editor', test: /node_modules[\\/]/ },
          ],
        },
      },
    },
  },
})
