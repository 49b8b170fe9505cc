package android.os;

/** As much of Android's AsyncTask as a download needs, so that code written for it can be compiled and run here. */
public abstract class AsyncTask<Params, Progress, Result> {
    protected void onPreExecute() {
    }

    @SuppressWarnings("unchecked")
    protected abstract Result doInBackground(Params... params);

    @SuppressWarnings("unchecked")
    protected void onProgressUpdate(Progress... values) {
    }

    protected void onPostExecute(Result result) {
    }

    @SuppressWarnings("unchecked")
    protected final void publishProgress(Progress... values) {
        onProgressUpdate(values);
    }

    @SuppressWarnings("unchecked")
    public final AsyncTask<Params, Progress, Result> execute(Params... params) {
        onPreExecute();
        Thread background = new Thread(() -> onPostExecute(doInBackground(params)));
        background.start();
        return this;
    }
}
