import '@rsparkhub/ui/styles.css';
import './pages.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { startApp } from './app.ts';

const target = document.getElementById('app');
if (!target) throw new Error('index.html has no place for the app');
startApp();
mount(App, { target });
