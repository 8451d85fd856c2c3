import '@rsparkhub/ui/styles.css';
import 'dockview/dist/styles/dockview.css';
import './app.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { registerCommands } from './commands/defaults.ts';
import { settings } from './state/settings.svelte.ts';
import { workbench } from './workbench.svelte.ts';

const target = document.getElementById('app');
if (!target) throw new Error('index.html has no place for the app');
settings.start();
registerCommands(workbench);
mount(App, { target });
void workbench.start();

if ('serviceWorker' in navigator && window.isSecureContext)
  window.addEventListener(
    'load',
    () => void navigator.serviceWorker.register('./sw.js', { scope: './' }).catch(() => {}),
  );
